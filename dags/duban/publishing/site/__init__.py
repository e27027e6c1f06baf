"""The pages of the site: figures read from the marts, rendered as static files."""
