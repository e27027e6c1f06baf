"""What is shown and published: pages rendered from the marts."""
