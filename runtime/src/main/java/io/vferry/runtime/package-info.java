/** The entrance to the runtime. */
package io.vferry.runtime;
