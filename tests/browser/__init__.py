"""Makes the folder a package, so that its browser and server, which are fixtures of scope "package", end with it."""
