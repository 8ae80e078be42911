/**
 * The migration stream: records as the kernel's driver writes them, so that a stream of either side
 * is understood by the other. Source: Linux 6.12, {@code drivers/vfio/pci/mlx5/cmd.h}, {@code
 * struct mlx5_vfio_mig_file_header}, and {@code main.c} beside it.
 */
package io.vferry.vendor.mlx5.stream;
