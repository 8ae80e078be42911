/**
 * A model of the firmware that takes the driver's commands, and of the guest that uses its virtual
 * functions. It shares the numbers of the device with the driver, and nothing that reads or writes
 * a layout.
 */
package io.vferry.vendor.mlx5.model;
