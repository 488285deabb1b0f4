// SPDX-License-Identifier: GPL-2.0
/* What tools/coccinelle/restore_err_ptr.cocci has to flag: the lines marked here. */

static int table_take_page(u64 pfn, struct page **out)
{
	struct page *page = kho_restore_pages(PFN_PHYS(pfn), 1);

	if (IS_ERR(page))					/* flagged */
		return PTR_ERR(page);

	*out = page;
	return 0;
}

static u64 *table_take(const struct kho_vmalloc *saved)
{
	u64 *table = kho_restore_vmalloc(saved);

	return IS_ERR(table) ? NULL : table;			/* flagged */
}

static void table_discard(const u64 *pfn, u64 nr)
{
	struct folio *folio;
	u64 i;

	for (i = 0; i < nr; i++) {
		folio = kho_restore_folio(PFN_PHYS(pfn[i]));
		if (!IS_ERR(folio))				/* flagged */
			folio_put(folio);
	}
}
