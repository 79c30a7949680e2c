"""Push gateways over HTTP."""
