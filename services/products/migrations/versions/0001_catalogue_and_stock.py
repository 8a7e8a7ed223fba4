"""Catalogue, stock and reservations."""

import sqlalchemy as sa
from alembic import op

revision = "products_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "product",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("sku", sa.Text, nullable=False, unique=True),
        # the order of a listing must not depend on how the server was set up: by code point, case-folded for searches
        sa.Column("name", sa.Text(collation="pg_c_utf8"), nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("price_cents", sa.Integer, sa.CheckConstraint("price_cents >= 0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )
    op.create_index("product_by_name", "product", ["name", "id"])
    op.create_table(
        "stock",
        sa.Column("product_id", sa.Uuid, sa.ForeignKey("product.id"), primary_key=True),
        sa.Column("available", sa.BigInteger, nullable=False),
        sa.Column("reserved", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("sold", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("initial", sa.BigInteger, nullable=False),
        sa.CheckConstraint("available >= 0 AND reserved >= 0 AND sold >= 0", name="stock_not_negative"),
        sa.CheckConstraint("available + reserved + sold = initial", name="stock_conserved"),
    )
    op.create_table(
        "reservation",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("order_id", sa.Uuid, nullable=False),
        sa.Column(
            "status",
            sa.Text,
            sa.CheckConstraint("status IN ('held', 'confirmed', 'released', 'expired')"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )
    # an order has at most one reservation that counts; those that ended stay as a record
    op.create_index(
        "reservation_of_order",
        "reservation",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('held', 'confirmed')"),
    )
    op.create_index("reservation_to_expire", "reservation", ["expires_at"], postgresql_where=sa.text("status = 'held'"))
    op.create_table(
        "reservation_item",
        sa.Column("reservation_id", sa.Uuid, sa.ForeignKey("reservation.id"), primary_key=True),
        sa.Column("product_id", sa.Uuid, sa.ForeignKey("product.id"), primary_key=True),
        sa.Column("sku", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("quantity", sa.Integer, sa.CheckConstraint("quantity > 0"), nullable=False),
        sa.Column("unit_price_cents", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    for table in ("reservation_item", "reservation", "stock", "product"):
        op.drop_table(table)
