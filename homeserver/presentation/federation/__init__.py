"""What other servers and services ask of this one."""
