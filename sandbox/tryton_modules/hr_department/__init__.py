"""The invented company's own Tryton module: departments, and an employee's title and parts of the name."""
