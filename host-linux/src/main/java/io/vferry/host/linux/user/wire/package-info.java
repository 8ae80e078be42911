/**
 * The vfio-user protocol as bytes: each message and its layout, without socket, thread or clock.
 *
 * <p>Sources: QEMU 10.2, {@code docs/interop/vfio-user.rst} (called the specification here), its
 * later revision that adds {@code GET_PRECOPY_INFO} and corrects the layout of {@code DMA_WRITE},
 * and libvfio-user, {@code include/vfio-user.h}. Structures that the protocol takes from the kernel
 * are in {@link io.vferry.host.linux.VfioUapi}. All numbers are in the byte order of the host.
 *
 * <p>Decoders check each length and count against the payload they got before they use it, and
 * allocate no more than a small multiple of it.
 */
package io.vferry.host.linux.user.wire;
