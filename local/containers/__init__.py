"""The system of docker-compose.yml: its secrets, and its parts as the service `cli` sees them."""
