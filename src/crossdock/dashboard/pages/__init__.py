"""The pages, a module each that exports `router`."""
