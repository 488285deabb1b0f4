# SPDX-License-Identifier: GPL-2.0
"""What the trace events of two kernels say of each preserved file, side by side.

vmtest --demo prints this. The handlers' events (sdk/include/luosdk/trace.h) come on two
ways. Those on the console, where tp_printk puts them, have the time at which they come.
Those that the guest program reads in tracefs and passes on have the time stamp of the
kernel's monotonic clock; the guest also says what that clock shows. When the clock was 0
on the host's then follows from the one of these lines that was late by the least. (Time
stamps of the console are no help: each processor has a clock of its own for them.)
"""

import errno
import re

EVENT = re.compile(r"(\d+\.\d+)[\]:] +luosdk_\w+: handler=(\S+) op=(\S+) ctx=(\S+) "
                   r"state=(\S+) bytes=(\d+) ns=(\d+) err=(-?\d+)")
STEPS = ("preserve", "freeze", "retrieve", "finish")


class Event:
    """One step of one file."""

    def __init__(self, kernel, match, at):
        stamp, self.handler, self.step, self.ctx, self.state, size, ns, err = match.groups()
        self.kernel, self.stamp, self.came = kernel, float(stamp), at
        self.bytes, self.ns, self.err = int(size), int(ns), int(err)

    @property
    def took(self):
        """Microseconds, or the name of the error."""
        if self.err:
            return errno.errorcode.get(-self.err, str(self.err))
        return f"{self.ns / 1000:.{0 if self.ns >= 10 ** 8 else 1}f}"


class Timeline:
    """Collects events as they come; then judges and prints them."""

    def __init__(self):
        self.kernel = 0
        self.starts = {}    # kernel: when its clock was 0, by the host's in seconds
        self.events = []
        self.write = None   # kernel and its clock: the device was seen to have written
        self.files = []     # names, in the order in which they were preserved

    def console(self, line, at):
        """A line of the kernel's console that came @at."""
        if "] Linux version " in line:
            self.kernel += 1
        self.take(self.kernel, line, at)

    def note(self, text, at):
        """A diagnostic line of the guest program that came @at."""
        match = re.match(r"(file|trace|clock|write) (\d): *(.*)", text)
        if not match:
            return
        kernel = int(match[2])
        if match[1] == "file":
            self.files.append(match[3])
        elif match[1] == "write":
            self.write = kernel, int(match[3]) / 1e9
        elif match[1] == "trace":
            self.take(kernel, match[3], None)
        else:
            zero = at - int(match[3]) / 1e9
            self.starts[kernel] = min(zero, self.starts.get(kernel, zero))

    def take(self, kernel, line, at):
        """Note an event, if that is what the line is."""
        match = EVENT.search(line)
        if match:
            self.events.append(Event(kernel, match, at))

    def at(self, event):
        """Seconds of the host's clock since the VM was switched on."""
        if event.came is not None:
            return event.came
        return self.starts.get(event.kernel, 0) + event.stamp

    def rows(self):
        """Of each file its name and {step: event}; the refused ones have no state."""
        events = sorted(self.events, key=self.at)
        made = [e for e in events if e.step == "preserve"]
        names = iter(self.files)
        rows = []
        for first in made:
            steps = {"preserve": first}
            for e in events if not first.err else ():
                if e.state == first.state and self.at(e) >= self.at(first):
                    steps.setdefault(e.step, e)
            rows.append((next(names, "?"), steps))
        return rows

    def blackout(self):
        """Seconds from the device's freeze to its first write in the new kernel, or None."""
        freeze = [e for e in self.events if e.handler == "vfio_stub" and e.step == "freeze"]
        if not freeze or not self.write:
            return None
        kernel, stamp = self.write
        return self.starts.get(kernel, 0) + stamp - self.at(freeze[0])

    def verdict(self):
        """(good, sentence) for each claim that the table makes."""
        rows = self.rows()
        out = [(len(rows) == len(self.files) > 0,
                f"the trace has the preserve of each file ({len(rows)} of {len(self.files)})")]
        blackout = self.blackout()
        out.append((blackout is not None and blackout > 0,
                    "the device froze, and then wrote in the new kernel"))
        for name, steps in rows:
            first = steps["preserve"]
            if first.err:
                continue
            wrong = [step for step in STEPS if step not in steps or steps[step].err]
            good = not wrong and self.ordered(steps)
            out.append((good, f"{name}: preserve and freeze in the old kernel, retrieve and "
                        "finish in the new one" + (f" (missing: {', '.join(wrong)})" if wrong
                                                   else "")))
        return out

    def ordered(self, steps):
        """Is each step in the kernel it belongs to, and after the one before it?"""
        events = [steps[step] for step in STEPS]
        times = [self.at(e) for e in events]
        return [e.kernel for e in events] == [1, 1, 2, 2] and times == sorted(times)

    def table(self):
        """The lines for a person."""
        out = [f"  {'':41}|{'old kernel':^33}|{'new kernel':^33}".rstrip(),
               f"  {'handler':10} {'file':14} {'state':>9} {'bytes':>5}|" +
               "|".join(f"{a:>8} {'us':>7} {b:>8} {'us':>7} " for a, b in
                        (("preserve", "freeze"), ("retrieve", "finish"))).rstrip()]
        for name, steps in self.rows():
            first = steps["preserve"]
            cells = [f"{self.at(steps[s]):8.3f} {steps[s].took:>7}" if s in steps else " " * 16
                     for s in STEPS]
            state, size = ("", "") if first.err else (first.state[2:], first.bytes)
            handler = first.handler.replace("vfio_stub_", "")
            out.append(f"  {handler:10} {name:14} {state:>9} {size:>5}|" +
                       f"{cells[0]} {cells[1]} |{cells[2]} {cells[3]}".rstrip())
        if self.blackout() is not None:
            out += ["", f"  The device's blackout: {self.blackout():.3f} s by the host's clock, "
                    "from its freeze (when that event came",
                    "  to the console) until a program that does nothing but look at the memory "
                    "saw the next number."]
        return out
