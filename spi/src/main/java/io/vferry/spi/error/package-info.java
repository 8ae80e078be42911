/** How failures are told: one checked exception with a stable code. */
package io.vferry.spi.error;
