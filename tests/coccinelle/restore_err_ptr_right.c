// SPDX-License-Identifier: GPL-2.0
/* What tools/coccinelle/restore_err_ptr.cocci must not flag. */

static struct page *table_take_page(u64 pfn)
{
	struct page *page = kho_restore_pages(PFN_PHYS(pfn), 1);

	if (!page)
		page = ERR_PTR(-EIO);

	/* An error pointer by now, and tested for what it is. */
	if (IS_ERR(page))
		pr_err("table: a page is missing at %#llx\n", PFN_PHYS(pfn));
	return page;
}

static int table_take(const struct kho_vmalloc *saved, u64 **out)
{
	u64 *table = kho_restore_vmalloc(saved);
	u64 *copy;

	if (!table)
		return -EIO;

	copy = vmemdup_user(NULL, 0);
	if (IS_ERR(copy)) {
		vfree(table);
		return PTR_ERR(copy);
	}
	kvfree(copy);
	*out = table;
	return 0;
}
