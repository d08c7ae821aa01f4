"""In a checkout the plugin is not installed."""

pytest_plugins = ["tnull_pytest"]
