/** Software stand-ins for hardware. */
package io.vferry.spi.model;
