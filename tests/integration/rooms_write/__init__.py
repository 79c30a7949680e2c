"""Everything that writes to rooms, over real stores."""
