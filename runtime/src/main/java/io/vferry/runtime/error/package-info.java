/** The error codes of the runtime itself. */
package io.vferry.runtime.error;
