"""The grader: builds kernels, boots them in QEMU, judges what they did, and says why."""
