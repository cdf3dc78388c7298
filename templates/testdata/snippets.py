SNIPPETS=[("{{ 1 }}",{})]
