/** How a program embeds vferry and replaces one of its ports. */
package io.vferry.examples.integrator;
