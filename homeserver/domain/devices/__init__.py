"""Keys of devices and of users for end-to-end encryption, as far as a server understands them."""
