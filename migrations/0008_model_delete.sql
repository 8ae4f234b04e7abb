-- Results, approvals and aliases go with the registered model in one step for each table. By way of their versions it was
-- one for each version and table, which took most of the time of deleting a model of very many.

ALTER TABLE model_alias DROP CONSTRAINT model_alias_registered_model_id_version_fkey,
  ADD FOREIGN KEY (registered_model_id) REFERENCES registered_model ON DELETE CASCADE;
ALTER TABLE check_result DROP CONSTRAINT check_result_registered_model_id_version_fkey,
  ADD FOREIGN KEY (registered_model_id) REFERENCES registered_model ON DELETE CASCADE;
ALTER TABLE approval DROP CONSTRAINT approval_registered_model_id_version_fkey,
  ADD FOREIGN KEY (registered_model_id) REFERENCES registered_model ON DELETE CASCADE;

-- They are still only of versions that are there: whoever writes one needs the version, and no version goes before its model.
CREATE FUNCTION model_version_is_needed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM FROM model_version WHERE registered_model_id = NEW.registered_model_id AND version = NEW.version;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'registered model % has no version %', NEW.registered_model_id, NEW.version
      USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION model_version_is_needed() IS 'Refuses what is said of a version that is not there.';
CREATE TRIGGER model_alias_version AFTER INSERT OR UPDATE OF registered_model_id, version ON model_alias
  FOR EACH ROW EXECUTE FUNCTION model_version_is_needed();
CREATE TRIGGER check_result_version AFTER INSERT OR UPDATE OF registered_model_id, version ON check_result
  FOR EACH ROW EXECUTE FUNCTION model_version_is_needed();
CREATE TRIGGER approval_version AFTER INSERT OR UPDATE OF registered_model_id, version ON approval
  FOR EACH ROW EXECUTE FUNCTION model_version_is_needed();

CREATE FUNCTION model_version_goes_with_model() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF EXISTS (SELECT FROM registered_model WHERE registered_model_id IN (SELECT registered_model_id FROM gone)) THEN
    RAISE EXCEPTION 'a version is only removed together with its registered model' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION model_version_goes_with_model() IS 'Refuses to remove the rows of versions whose model stays.';
CREATE TRIGGER model_version_removal AFTER DELETE ON model_version REFERENCING OLD TABLE AS gone
  FOR EACH STATEMENT EXECUTE FUNCTION model_version_goes_with_model();
