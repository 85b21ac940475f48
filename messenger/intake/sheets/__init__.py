"""Export sheets of orders: .xls, .xlsx and .csv of AliExpress, Shopify and eBay, read as events (``reading.SheetReader``)."""
