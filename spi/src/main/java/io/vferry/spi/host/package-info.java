/** How a driver reaches the hardware: regions, interrupts, DMA and what the host kernel offers. */
package io.vferry.spi.host;
