"""The pure rules of rooms: authorisation, state resolution, visibility, first events."""
