/** The checks of the conformance kit and what runs them. */
package io.vferry.tck;
