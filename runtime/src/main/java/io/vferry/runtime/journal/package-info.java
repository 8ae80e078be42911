/** What must survive a crash: who owns the guest. */
package io.vferry.runtime.journal;
