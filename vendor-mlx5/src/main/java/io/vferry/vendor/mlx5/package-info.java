/** The driver: arcs of a virtual function, as commands on its physical function's queue. */
package io.vferry.vendor.mlx5;
