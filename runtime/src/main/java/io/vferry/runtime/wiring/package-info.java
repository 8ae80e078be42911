/** Puts the runtime together; the only place that knows Guice. */
package io.vferry.runtime.wiring;
