"""Documents: one fragment of HTML and a letterhead become the official document, the workbook and the page. Knows nothing of issues."""
