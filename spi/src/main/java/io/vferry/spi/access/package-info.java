/** Which access to a device is legal in which device state, as a table and as a guard. */
package io.vferry.spi.access;
