"""Issues: frozen and numbered, checked, written as documents, traced back."""
