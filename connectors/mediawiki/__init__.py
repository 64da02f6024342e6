"""MediaWiki 1.35 and later, by its action API."""
