/**
 * The command interface of a physical function: its queue, its memory, its events, its start-up.
 *
 * <p>Source: Linux 6.12, {@code drivers/net/ethernet/mellanox/mlx5/core/cmd.c}; rdma-core, {@code
 * providers/mlx5/mlx5_vfio.c}.
 */
package io.vferry.vendor.mlx5.queue;
