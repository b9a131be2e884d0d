"""The lab: VMs with real VFIO, mediated devices (mtty) and SR-IOV (82576 cards), without KVM.  See ../README.md."""
