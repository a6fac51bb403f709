"""Every number that the README quotes is printed by a command of this package."""
