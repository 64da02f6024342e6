"""Departments, and the employee's names, job title and department."""

from __future__ import annotations

from trytond.model import DeactivableMixin, ModelSQL, ModelView, Unique, fields, tree
from trytond.pool import PoolMeta
from trytond.pyson import Eval
from trytond.transaction import Transaction

# Tryton knows employees and their supervisors but no departments, so companies add them; this is how.
SAME_COMPANY = [("company", "=", Eval("company", -1))]


class Department(DeactivableMixin, tree(separator=" / "), ModelSQL, ModelView):
    """A part of the company that people work in."""

    __name__ = "hr.department"

    code = fields.Char("Code", required=True)
    name = fields.Char("Name", required=True)
    company = fields.Many2One("company.company", "Company", required=True)
    parent = fields.Many2One("hr.department", "Parent", domain=SAME_COMPANY)
    head = fields.Many2One("company.employee", "Head", domain=SAME_COMPANY)
    employees = fields.One2Many("company.employee", "department", "Employees", domain=SAME_COMPANY)

    @classmethod
    def __setup__(cls) -> None:
        super().__setup__()
        table = cls.__table__()
        cls._sql_constraints.append(
            ("code_unique", Unique(table, table.company, table.code), "hr_department.msg_code_unique")
        )
        cls._order.insert(0, ("code", "ASC"))

    @staticmethod
    def default_company() -> int | None:
        return Transaction().context.get("company")


class Employee(metaclass=PoolMeta):
    """The party keeps the name as it is written; HR also needs its parts."""

    __name__ = "company.employee"

    given_name = fields.Char("Given Name")
    family_name = fields.Char("Family Name")
    title = fields.Char("Job Title")
    department = fields.Many2One("hr.department", "Department", ondelete="RESTRICT", domain=SAME_COMPANY)
