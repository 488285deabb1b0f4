// SPDX-License-Identifier: GPL-2.0
/*
 * The guard on real virtual machines' files.
 *
 * tests/vm/kvm-guard is a handler that does nothing but guard: it shows that the check
 * tells apart what shares an inode, and holds for a type whose files hold on to
 * one object in several ways. KVM runs inside of the test VM, on the emulated
 * processor's virtualisation.
 */
#define _GNU_SOURCE
#include <luotest.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int kvm_call(int fd, unsigned long request, unsigned long arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

static void guard(void)
{
	int kvm, vm[2], twin, stats, vcpu, event[2], one, two;

	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		lt_die("open /dev/kvm: %s", lt_errname(-errno));
	vm[0] = lt_must(kvm_call(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	vm[1] = lt_must(kvm_call(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");
	stats = lt_must(kvm_call(vm[0], KVM_GET_STATS_FD, 0), "KVM_GET_STATS_FD");
	vcpu = lt_must(kvm_call(vm[0], KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
	twin = dup(vm[0]);
	event[0] = lt_must(lt_eventfd(1, 0), "eventfd");
	event[1] = lt_must(lt_eventfd(2, 0), "eventfd");
	one = lt_must(lt_session_create("kvm-one"), "session");
	two = lt_must(lt_session_create("kvm-two"), "session");

	lt_result(lt_preserve(one, stats, 1), -ENOENT, "a VM's statistics are not taken for it");
	lt_result(lt_preserve(one, vcpu, 1), -ENOENT, "a VM's processor is not taken for it");
	lt_result(lt_preserve(one, kvm, 1), -ENOENT, "/dev/kvm is not taken for a VM");
	lt_result(lt_preserve(one, event[0], 1), 0, "an eventfd is preserved");
	lt_result(lt_preserve(one, vm[0], 2), 0, "a VM is preserved");
	lt_result(lt_preserve(one, vm[1], 3), 0, "a second VM is preserved beside it");
	lt_result(lt_preserve(one, event[1], 4), 0, "a second eventfd is preserved beside them");

	lt_result(lt_preserve(one, vm[0], 5), -EBUSY, "refused: the first VM in its session");
	lt_result(lt_preserve(two, vm[0], 5), -EBUSY, "refused: the first VM in another one");
	lt_result(lt_preserve(two, vm[1], 5), -EBUSY, "refused: the second VM in another one");
	lt_result(lt_preserve(two, twin, 5), -EBUSY, "refused: the first VM through dup()");
	lt_result(lt_preserve(two, event[0], 5), -EBUSY, "refused: the eventfd in another one");
	lt_result(lt_preserve(two, stats, 5), -ENOENT, "the statistics are still no VM");

	close(one);
	lt_result(lt_preserve(two, twin, 1), 0, "after the session is closed: the first VM");
	lt_result(lt_preserve(two, vm[1], 2), 0, "after the session is closed: the second VM");
	lt_result(lt_preserve(two, vm[0], 3), -EBUSY, "refused: the first VM, through itself");
	close(two);
	close(vcpu);
	close(stats);
	close(twin);
	close(vm[0]);
	close(vm[1]);
	close(event[0]);
	close(event[1]);
	close(kvm);
}

LT_SCENARIO(kvm_guard) = {
	.name	= "kvm.guard",
	.about	= "two real VMs beside eventfds, each refused the second time",
	.stage	= { { guard, 16 } },
	.flags	= LT_EMULATED,
};
