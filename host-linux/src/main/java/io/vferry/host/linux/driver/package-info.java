/** The driver for each device that its host can migrate by itself. */
package io.vferry.host.linux.driver;
