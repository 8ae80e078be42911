/**
 * The device's numbers: opcodes, status values and register offsets, and nothing that reads or
 * writes them. Driver and firmware model share this package and no other, so that a misread layout
 * on one side is not cancelled out by the other.
 */
package io.vferry.vendor.mlx5.prm;
