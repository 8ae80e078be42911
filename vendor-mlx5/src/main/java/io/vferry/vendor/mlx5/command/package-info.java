/**
 * The device's commands: each a record of what it asks, with its layout beside it.
 *
 * <p>Layouts and values are those of Linux 6.12, {@code include/linux/mlx5/mlx5_ifc.h}, unless a
 * command names another source. Offsets are bytes from the start of the command; bits are counted
 * in the big-endian dword that holds them.
 */
package io.vferry.vendor.mlx5.command;
