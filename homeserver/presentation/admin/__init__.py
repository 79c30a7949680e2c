"""The API for administrators, below `/_firn/admin`."""
