"""Messages to devices: who may send them, how they are kept, when they are gone."""
