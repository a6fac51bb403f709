"""The image model: drawings from open icon sets, made-up scenes, a small VAE, a small SDXL UNet, a judge."""
