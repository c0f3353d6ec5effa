-- Delays per day and destination.
CREATE OR REPLACE TABLE IDENTIFIER(:catalog || '.gold.daily_delays') AS
SELECT
  to_date(scheduled) AS day,
  region,
  count(*) AS flights,
  count_if(dep_delay IS NULL) AS cancelled,
  round(avg(dep_delay), 1) AS mean_delay
FROM IDENTIFIER(:catalog || '.silver.flights')
GROUP BY to_date(scheduled), region;
