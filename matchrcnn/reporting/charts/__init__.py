"""The charts, as geometry for the page and as Mermaid for GitHub."""
