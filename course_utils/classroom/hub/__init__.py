"""A class on one machine, or on Kubernetes: files that other programs read. See TEACHING.md."""
