"""Reading what relates to an event, and telling it beside the event."""
