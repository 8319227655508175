-- What was noted is put into the sums of its day, in one statement, so that whoever reads sees each of it once.
WITH noted AS (
  DELETE FROM day_changes WHERE id IN (SELECT id FROM day_changes LIMIT :most) RETURNING *
)
INSERT INTO day_sums AS s (tenant_id, id, day, currency, country, orders, paid_amount, first_orders, visits, known_orders, known_lines,
                           known_micros, all_orders, all_lines, all_micros)
SELECT n.tenant_id, gen_random_uuid(), CAST(n.at AT TIME ZONE :zone AS date), n.currency, n.country, sum(n.orders), sum(n.paid_amount),
       sum(n.first_orders), sum(n.visits), sum(n.known_orders), sum(n.known_lines), sum(n.known_micros), sum(n.all_orders),
       sum(n.all_lines), sum(n.all_micros)
FROM noted n GROUP BY 1, 3, 4, 5
ON CONFLICT (tenant_id, day, currency, country) DO UPDATE SET
  orders = s.orders + excluded.orders, paid_amount = s.paid_amount + excluded.paid_amount,
  first_orders = s.first_orders + excluded.first_orders, visits = s.visits + excluded.visits,
  known_orders = s.known_orders + excluded.known_orders, known_lines = s.known_lines + excluded.known_lines,
  known_micros = s.known_micros + excluded.known_micros, all_orders = s.all_orders + excluded.all_orders,
  all_lines = s.all_lines + excluded.all_lines, all_micros = s.all_micros + excluded.all_micros
