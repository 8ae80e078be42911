/** What a vendor implements: the driver, its device, its data streams, its optional features. */
package io.vferry.spi.driver;
